"""`make demo`: a lesson on one machine, from the teacher's `%wt share` to the last student's `%wt fetch`."""
