"""Reports as blocks (text, tables, figures, faces), shown as one HTML page or as Markdown."""
