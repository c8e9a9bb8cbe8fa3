"""Shared parts of several tests."""
