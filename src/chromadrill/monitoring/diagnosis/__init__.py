"""RB-9: from symptoms to the most likely cause. Symptoms are collected, causes are judged."""
