"""Why a job waits, has ended or is not taken, in words. Codes of squeue's man page, JOB REASON CODES; of others the code itself is told."""

#: Those after which a job starts by itself.
WAITING = {
    "None": "not looked at yet",
    "Priority": "jobs of higher priority wait too",
    "Resources": "waiting for GPUs or nodes to become free",
    "BeginTime": "held back until its begin time; Slurm does that after a requeue, for two minutes unless the site chose otherwise",
    "JobArrayTaskLimit": "as many tasks run as `arrayLimit` allows",
    "Licenses": "waiting for a licence",
    "Reservation": "waiting for its reservation",
    "Prolog": "the node is being prepared",
    "Cleaning": "its last attempt is being cleaned up",
}

#: Those that need somebody to do something: what.
STUCK = {
    "BadConstraints": "no node has what it asks for: correct `gres` in the plan's `scheduler`",
    "PartitionTimeLimit": "it asks for more time than the partition gives: lower `time` in the plan's `scheduler`",
    "PartitionNodeLimit": "it asks for more nodes than the partition gives",
    "PartitionConfig": "the partition's settings do not let it in: choose another `partition`",
    "PartitionDown": "the partition is down: wait, or choose another `partition`",
    "PartitionInactive": "the partition takes no jobs now: wait, or choose another `partition`",
    "AccountNotAllowed": "the partition does not take this `account`",
    "InvalidAccount": "Slurm does not know this `account`",
    "InvalidQOS": "its quality of service is not valid",
    "JobHeldUser": "held by you: `scontrol release` lets it go on",
    "JobHeldAdmin": "held by an administrator",
    "ReqNodeNotAvail": "the nodes that it needs are down or reserved",
    "NodeDown": "a node that it needs is down",
    "launch failed requeued held": "it could not be launched and is held: ask the administrators",
    "JobHoldMaxRequeue": "it could not be launched time and again and is held: `scontrol release` lets it try once more",
    "JobLaunchFailure": "it could not be launched: ask the administrators",
    "DependencyNeverSatisfied": "what it depends on will never end well",
}

#: Why a job ended.
ENDED = {
    "NonZeroExitCode": "its script failed",
    "TimeLimit": "its time limit ended it",
    "OutOfMemory": "it took more memory than it asked for: raise `memory` in the plan's `scheduler`",
}

#: What to do where `sbatch` says this. Slurm 22.05 and 26.11, common/slurm_errno.c, have the same words; those of memory are of sbatch itself.
REFUSED = {
    "Memory specification can not be satisfied": "Lower `memory` in the plan's `scheduler`.",
    "Invalid partition name": "Correct `partition` in the plan's `scheduler`; `sinfo` lists what there is.",
    "No partition specified": "Give a `partition` in the plan's `scheduler`: this cluster has no default.",
    "group not permitted to use this partition": "Choose another `partition` in the plan's `scheduler`.",
    "Required partition not available": "Choose another `partition` in the plan's `scheduler`, or wait.",
    "Invalid account": "Correct `account` in the plan's `scheduler`; `sacctmgr show associations` lists yours.",
    "Requested time limit is invalid": "Give a shorter `time` in the plan's `scheduler`; `sinfo` lists the partitions' limits.",
    "Invalid generic resource": "Correct `gres` in the plan's `scheduler`; `sinfo --format=%G` lists what there is.",
    "Invalid GRES": "Correct `gres` in the plan's `scheduler`; `sinfo --format=%G` lists what there is.",
    "Requested node configuration is not available": "No node has all that `gres`, `cpus` and `memory` of the plan's `scheduler` ask for.",
    "More processors requested": "Lower `cpus` in the plan's `scheduler`.",
    "Memory required by task": "Lower `memory` in the plan's `scheduler`.",
    "accounting/QOS policy": "Limits of your account count each engine start as a job: give a smaller matrix, or another `account`.",
    "Invalid job array": "The plan has more engine starts than the cluster takes as one array: give a smaller matrix.",
}


def refusal_words(said: str) -> str:
    """What `sbatch` said, and what to do where that is known."""
    remedies = [remedy for words, remedy in REFUSED.items() if words in said]
    return " ".join([said, *remedies[:1]])


def reason_words(code: str) -> str:
    """`Resources: waiting for GPUs …`. Slurm puts details behind some codes, after a comma or in brackets."""
    bare = code.split(",")[0].split("(")[0].strip()
    words = WAITING.get(bare) or STUCK.get(bare) or ENDED.get(bare) or limit_words(bare)
    return f"{code}: {words}" if words else code


def limit_words(code: str) -> str:
    if code.startswith("QOS"):
        return "a limit of its quality of service"
    if code.startswith("Assoc"):
        return "a limit of your account"
    return ""
