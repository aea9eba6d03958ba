module example.org/reading-list

go 1.21
