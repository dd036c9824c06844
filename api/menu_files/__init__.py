"""A menu as files that people edit: .xlsx, .csv and JSON, there and back without loss (A2).

    file ──xlsx.py, csv_file.py──► sheets of cells ──reading.py──► Menu and problems ──diff.py──► what would change
    Menu ──writing.py──► sheets of cells ──xlsx.py, csv_file.py──► file

``columns.py`` says which sheets and columns there are, once for all of them.
"""
