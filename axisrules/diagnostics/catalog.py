"""Every code, one line each. A code has a page in `pages/` and is never used again for another thing."""

from pathlib import Path

from axisrules.diagnostics.diagnostic import Code

PAGES = Path(__file__).parent / "pages"

# 1xx: rule tables
UNREADABLE_FILE = Code("AXR101", "rule file cannot be read")
BAD_SYNTAX = Code("AXR102", "rule file cannot be parsed")
UNKNOWN_KEY = Code("AXR103", "unknown key in a rule table")
WRONG_TYPE = Code("AXR104", "value of the wrong type in a rule table")
BAD_LOGICAL_NAME = Code("AXR105", "not a name for a logical axis")
BAD_RULE_MESH_NAME = Code("AXR106", "not a name for a mesh axis in a rule")
EMPTY_TABLE = Code("AXR107", "rule table without rules")
REPEATED_MESH_AXIS = Code("AXR108", "mesh axis repeated in one rule")
DEAD_RULE = Code("AXR109", "dead rule", "warning")
SHADOWED_RULE = Code("AXR110", "shadowed rule", "warning")
UNKNOWN_TABLE = Code("AXR111", "no such rule table")
UNKNOWN_ANCHOR = Code("AXR112", "rule placed where no place is")
BAD_PATTERN = Code("AXR113", "not a path pattern")

# 2xx: meshes
BAD_MESH_SIZE = Code("AXR201", "not a size for a mesh axis")
BAD_MESH_NAME = Code("AXR202", "not a name for a mesh axis")
REPEATED_IN_MESH = Code("AXR203", "mesh axis given twice")
TWO_WILDCARDS = Code("AXR204", "two mesh axes of unknown size")
DEVICE_COUNT = Code("AXR205", "mesh does not fit the devices")
UNKNOWN_MESH_AXIS = Code("AXR206", "rule names a mesh axis that the mesh lacks")
UNUSED_MESH_AXIS = Code("AXR207", "mesh axis that no rule names", "warning")
SLICE_COUNT = Code("AXR208", "mesh does not fit the slices")
BAD_MESH = Code("AXR209", "not a mesh")
UNKNOWN_CHIP = Code("AXR210", "no such chip")

# 3xx: axes of a program
UNKNOWN_LOGICAL_AXIS = Code("AXR301", "logical axis without a rule")
LOGICAL_IS_MESH_AXIS = Code("AXR302", "logical axis named like a mesh axis")
RANK_MISMATCH = Code("AXR303", "names and dims differ in number")
REPEATED_LOGICAL_AXIS = Code("AXR304", "logical axis repeated in one array")
UNNAMED_ARRAY = Code("AXR305", "array without logical axes", "warning")
BAD_ANNOTATION = Code("AXR306", "annotation that names no logical axis")
BAD_SHAPE = Code("AXR307", "not the shape of an array")
BAD_TREE = Code("AXR308", "tree too deep or holding itself")
BAD_FACTORY = Code("AXR309", "model factory that gives no model")
PATTERN_MATCHES_NOTHING = Code("AXR310", "path pattern that matches nothing", "warning")
UNTRACEABLE = Code("AXR311", "model or loss that fails when it is traced")
BAD_LOSS = Code("AXR312", "loss that gives no scalar")
FLAX_CONSTRAINT = Code("AXR313", "constraint of Flax's own, which does nothing here", "warning")
BAD_SEEDS = Code("AXR320", "seeds that make no sense")
SEED_MATCHES_NOTHING = Code("AXR321", "seed that matches nothing")
AXIS_CONTRADICTION = Code("AXR322", "axis names that the computation contradicts")
WITHHELD_NAME = Code("AXR323", "name too weak to shard a parameter by", "warning")
OWN_CONSTRAINT = Code("AXR324", "model's own constraint that this mesh cannot keep")
WHOLE_INIT = Code("AXR325", "initialiser that holds a whole array", "warning")
ORDERED_EFFECT = Code("AXR326", "side effect that keeps an order, which no mesh has", "warning")

# 4xx: resolving
UNEVEN_SPLIT = Code("AXR401", "uneven split")
COLLISION = Code("AXR402", "mesh axis used by two dims of one array")
STATE_MEMORY = Code("AXR403", "memory that the state takes")

# 5xx: partitioning
NO_PLAN_IN_FORCE = Code("AXR501", "constraint with no plan in force")
BATCH_MISMATCH = Code("AXR502", "batch unlike the program's")
STATE_MISMATCH = Code("AXR504", "state unlike the plan's")
BAD_XLA_FLAGS = Code("AXR505", "XLA_FLAGS that JAX would abort on")
NO_OPTIMIZER = Code("AXR506", "training step without an optimizer")
JAX_STARTED = Code("AXR507", "virtual devices after JAX has started")

# 6xx: the command line and its reports
REFUSED_OUTPUT = Code("AXR601", "output path refused")
BAD_ARGUMENT = Code("AXR602", "argument that makes no sense here")
LOSSES_DIFFER = Code("AXR603", "losses differ between layouts")

# 7xx: what a compiled program shows
REMATERIALIZED = Code("AXR710", "array made whole on every device to lay it out anew", "warning")
LAYOUT_UNLIKE_PLAN = Code("AXR711", "layout unlike the plan's", "warning")
UNASKED_RESHARD = Code("AXR712", "data moved though no rule asks for it", "warning")
GRADIENT_ALL_REDUCED = Code("AXR713", "gradient of a cut parameter summed whole", "warning")
CROSSES_SLOW_NETWORK = Code("AXR714", "forward pass that waits for the network between slices", "warning")
COLLECTIVE_IN_LOOP = Code("AXR715", "collective in a loop that could leave it", "warning")
PADDED_ARRAY = Code("AXR716", "array that its layout in memory pads", "warning")
IDLE_MESH_AXIS = Code("AXR717", "mesh axis that cuts nothing", "warning")
MUCH_COMMUNICATION = Code("AXR718", "communication above a fifth of the step", "warning")

# 75x: pipelines
UNKNOWN_SCHEDULE = Code("AXR750", "no such pipeline schedule")
SCHEDULE_MISFIT = Code("AXR751", "schedule that these numbers do not fit")
STAGE_SPLIT = Code("AXR752", "layers that do not fit the stages")
MICROBATCH_SPLIT = Code("AXR753", "microbatches that do not divide the batch")
NO_STAGE_AXIS = Code("AXR754", "schedule without stages")
NO_LAYER_LOOP = Code("AXR755", "model without layers that a pipeline can cut")
LOSS_NOT_SUM = Code("AXR756", "loss that is no sum over the batch's rows")
BROKEN_SCHEDULE = Code("AXR757", "schedule that breaks a rule of pipelines")
MANUAL_CONSTRAINT = Code("AXR758", "constraint on a mesh axis that the pipeline cuts itself")
STATE_OF_ROWS = Code("AXR759", "state that a pipelined step computes from the batch")
LARGE_BUBBLE = Code("AXR760", "pipeline that waits for much of the time", "warning")
PIPELINE_UNNEEDED = Code("AXR761", "pipeline where the model fits without", "warning")
TENSOR_OVER_NETWORK = Code("AXR762", "tensor parallelism over the slow network", "warning")
SMALL_MICROBATCH = Code("AXR763", "microbatches too small for a matrix unit", "warning")
IMBALANCE = Code("AXR764", "stages of unlike cost", "warning")

# 77x and 78x: memory
REMAT_MATCHES_NOTHING = Code("AXR770", "remat policy that matches nothing")
NO_HOST_MEMORY = Code("AXR771", "offload to host memory that the devices lack")
REMAT_EVERY = Code("AXR772", "layers that their groups do not divide")
UNEVEN_MICROBATCHES = Code("AXR773", "microbatches that do not divide the batch")
LOSS_NOT_A_SUM = Code("AXR774", "loss that is no sum over tokens")
UNKNOWN_WEIGHT = Code("AXR775", "weight of a microbatch that the loss does not tell")
REMAT_IN_PIPELINE = Code("AXR776", "remat policy that a pipeline does not follow")
CHEAP_TO_KEEP = Code("AXR780", "recomputing what is cheap to keep", "warning")
DEAR_TO_KEEP = Code("AXR781", "keeping what is dear", "warning")

# 8xx: targets and their compilers
BAD_TARGET = Code("AXR801", "not a target")
UNKNOWN_TOPOLOGY = Code("AXR802", "no such topology")
NO_COMPILER = Code("AXR803", "compiler for a target not installed")
VERSION_MISFIT = Code("AXR804", "version that does not fit")
COMPILER_FAILED = Code("AXR805", "compiler that failed")
COMPILER_LATE = Code("AXR806", "compiler whose time was up")
NO_ROOM = Code("AXR807", "no room for a compiler's files")
BAD_PROGRAM = Code("AXR808", "program that a compiler cannot read")
CACHE_UNUSABLE = Code("AXR809", "cache that takes nothing", "warning")
OUT_OF_MEMORY = Code("AXR810", "program larger than the memory", "warning")

# 9xx: search
NOTHING_TO_CUT = Code("AXR901", "program that no device could have a part of")
BAD_CONSTRAINT = Code("AXR902", "not a constraint")
CONTRADICTION = Code("AXR903", "constraints that contradict")
EMPTY_SPACE = Code("AXR904", "no layout left to try")
NOTHING_FITS = Code("AXR905", "no layout that fits")
FOREIGN_JOURNAL = Code("AXR906", "journal of another search", "warning")
NOT_A_START = Code("AXR907", "table that a search cannot start from")
# 92x: what a search would change, each tried and found better
MODEL_CUT_NEEDLESSLY = Code("AXR920", "model cut where data parallelism is better", "warning")
TENSOR_BEYOND_LINKS = Code("AXR921", "tensor parallelism beyond the fastest links", "warning")
PIPELINE_FOR_NETWORK = Code("AXR922", "slow network that a pipeline crosses faster", "warning")
TENSOR_TOO_WIDE = Code("AXR923", "more ways of tensor parallelism than pay", "warning")
COMMUNICATION_TO_SAVE = Code("AXR924", "communication that another layout saves", "warning")
MICROBATCHES_TO_CHANGE = Code("AXR925", "another number of microbatches is better", "warning")
SEQUENCE_LEFT_WHOLE = Code("AXR926", "sequence that tensor parallelism leaves whole", "warning")
STATE_LEFT_WHOLE = Code("AXR927", "state held whole that fits once it is cut", "warning")

CATALOG = {value.code: value for value in list(globals().values()) if isinstance(value, Code)}


def page(code: str) -> str:
    """The Markdown page of `code`: what it means, why it matters, an example that fails and its mend."""
    return (PAGES / f"{CATALOG[code].code}.md").read_text(encoding="utf-8")
