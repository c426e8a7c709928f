import type { Program } from '@ctr/linux'

/** Adds what puts the child into its cgroup, before it makes a cgroup namespace. */
export function joinCgroup(program: Program, fds: readonly number[]): void {
  program.step('join the cgroup')
  for (const fd of fds) program.call('write', [fd, '0', 1])
}
