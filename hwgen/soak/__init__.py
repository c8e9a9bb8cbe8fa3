"""`hwgen soak`: an emitted design whose input frames slip, thousands of times, against the rule of framing."""
