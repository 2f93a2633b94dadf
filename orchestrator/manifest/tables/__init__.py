"""Files of rows: CSV, XLSX, JSON lines, and patterns of file names."""
