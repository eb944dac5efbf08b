"""Better Stack: what it has is read and judged against the rules; nothing is applied there."""
