"""`bench`: measurements that anybody can repeat, one subcommand each."""
