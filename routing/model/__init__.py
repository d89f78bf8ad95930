"""The words of the trade as frozen values, a file per part of the story."""
