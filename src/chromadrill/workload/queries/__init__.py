"""Questions with known answers: chosen from records, asked, timed, graded right or wrong."""
