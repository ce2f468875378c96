"""Training and evaluation of the multimodal model, on the shipped labels or on own data."""
