"""The model specification: what spec.yaml may say."""
