import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
} from '@ctr/linux'

/** The eight kinds of namespaces, named as the OCI runtime spec names them; see namespaces(7). */
export type NamespaceKind = 'mount' | 'uts' | 'ipc' | 'pid' | 'network' | 'user' | 'cgroup' | 'time'

/** All kinds, in the order in which a process joins them: `user` first, it gives the rights for the others. */
export const namespaceKinds: readonly NamespaceKind[] = [
  'user',
  'cgroup',
  'ipc',
  'uts',
  'network',
  'pid',
  'time',
  'mount', // last: paths mean something else from here on
]

/** `CLONE_NEW*` of a kind. */
export const cloneFlag: Readonly<Record<NamespaceKind, number>> = {
  mount: CLONE_NEWNS,
  uts: CLONE_NEWUTS,
  ipc: CLONE_NEWIPC,
  pid: CLONE_NEWPID,
  network: CLONE_NEWNET,
  user: CLONE_NEWUSER,
  cgroup: CLONE_NEWCGROUP,
  time: CLONE_NEWTIME,
}

/** Name of a kind below `/proc/PID/ns`. */
export const procName: Readonly<Record<NamespaceKind, string>> = {
  mount: 'mnt',
  uts: 'uts',
  ipc: 'ipc',
  pid: 'pid',
  network: 'net',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
}
