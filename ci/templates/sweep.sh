#!/bin/sh
# One share of a sweep, whoever starts it: a Slurm array, a Kubernetes Indexed Job, or a shell.
#
#   SCENARIO, SEEDS, SHARES  what to run: a file, A..B, how many shares
#   OUT                      a folder that all shares see
#   PREFLASH                 how preflash is called
#
# A share that failed (1) has done its work: `preflash merge` says so for all of them.
set -u
: "${SCENARIO:?the scenario}" "${SEEDS:?the seeds, such as 0..9999}" "${SHARES:?how many shares}" "${OUT:?a folder}"
# Slurm counts as its array says, from 1 in sweep.sbatch; Kubernetes counts from 0.
index=${SLURM_ARRAY_TASK_ID:-$((${JOB_COMPLETION_INDEX:?neither Slurm nor Kubernetes says which share this is} + 1))}
${PREFLASH:-preflash} sweep "$SCENARIO" --seeds "$SEEDS" --shard "$index/$SHARES" --out "$OUT/$index"
code=$?
[ "$code" -le 1 ] || exit "$code"
