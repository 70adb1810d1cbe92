package measure

// Names of measurements that no objective can name.
const (
	NameRTODeclared        = "rto.from-declaration" // T_s − T_dec
	NameRTOAnswering       = "rto.answering"        // as rto, with wrong answers counted as good
	NameErrors             = "errors."              // + name of the outcome
	NameImpact             = "step.impact"          // T_i − T_f
	NameDetected           = "step.detected"        // T_d − T_f
	NameDeclared           = "step.declared"        // T_dec − T_d
	NameFirstAnswer        = "step.first-answer"    // T_1 − T_dec
	NameSteady             = "step.steady"          // T_s − T_1
	NameWritable           = "step.writable"        // T_w − T_f
	NameRedundancyRestored = "step.redundant"       // T_c − T_s
	NameLostService        = "lost.service"
	NameLostRequests       = "lost.requests"
	NameBrownout           = "brownout"
	NameRPODatabase        = "rpo.db"
	NameDivergence         = "rpo.divergence"
	NameDivergenceTime     = "rpo.divergence.time"
	NameDivergenceCost     = "rpo.divergence.value"
	NameAlertBeyond        = "alert.beyond-floor"
	NameLatencyMedian      = "latency.p50"
	NameLatencyP99         = "latency.p99"
	NameOverheadMedian     = "overhead.p50" // of our links, on a null drill
	NameOverheadP99        = "overhead.p99"
	NameUndoOutage         = "undo.outage" // T_s − begin of the undo, where load went on through it
	NameUndoRequests       = "undo.lost.requests"
	NameUndoService        = "undo.lost.service"
	NameWallTotal          = "wall.total"
	NameWallRecovery       = "wall.recovery" // T_s − T_f
	NameWallRest           = "wall.rest"     // total − recovery
	NameWallPhase          = "wall.phase."   // + kind of the acts
	NameWallUnaccounted    = "wall.untold"   // total − all phases
	fromDeclaration        = "declaration"   // Objective.From
	fromFault              = "fault"         // Objective.From, the default
	detailNoFailover       = "no failover took place"
	detailUnseenFailover   = "no failover was seen"
	detailNoFault          = "nothing was broken"
	detailClientSide       = "client side only"
	methodClients          = "from the load's own samples"
	methodLedger           = "acknowledged writes looked up on the serving primary"
	methodDecisions        = "from the target's own log"
	methodReceiver         = "received at our own receiver"
	methodWall             = "drill's clock"
	methodNotMeasured      = "failback is not part of this drill"
)
