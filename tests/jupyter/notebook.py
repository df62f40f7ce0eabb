"""Executes the notebook FILE by nbclient with the kernel its metadata names. An error of a cell ends it; at its end the last output of the last cell is printed."""
import sys

import nbclient
import nbformat

notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
nbclient.NotebookClient(notebook, timeout=120).execute()
nbformat.validate(notebook)
cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
assert all(cell.execution_count for cell in cells)
print(cells[-1].outputs[-1].text)
