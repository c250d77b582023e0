module github.com/suiro-dev/suiro/bench

go 1.26
