"""One rule, one file. Each has check(tree), which returns complaints: "path:line: what is wrong and what to do"."""
