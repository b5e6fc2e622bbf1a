"""The plan read on a phone, its digest, its periods and its settings; its workbook imported."""
