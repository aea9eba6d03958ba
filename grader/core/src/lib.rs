//! Evidence, workbook, judge and card: the pure heart of the grader.
