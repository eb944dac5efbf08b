"""What a damaged store still holds, brought out of it: read-only, counted, and nothing invented."""
