#!/bin/sh
# Runs the job, hands its output and its exit code to the host, and ends the machine.
{
  sh /run/vm/job </dev/null
  echo $? >/run/vm/status
} 2>&1 | cat >/run/vm/output
echo o >/proc/sysrq-trigger
sleep 10
