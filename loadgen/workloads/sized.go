package workloads

// Sized is a workload that knows how much one of its writes is at most, in bytes: of a request its method and path, the headers of the scenario and its body; of a ledger the
// row, or the key with its value. What protocols, TLS and a server's own log add is not counted, nor are the headers of a target file.
type Sized interface{ WriteSize() int }
