module geophone/bench/loadgen

go 1.22
