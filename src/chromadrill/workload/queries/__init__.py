"""Questions with known answers: made from records, asked, timed, judged right or wrong."""
