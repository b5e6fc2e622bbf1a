"""Acts on the plan itself: its workbook, its periods, its settings."""
