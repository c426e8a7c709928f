import { RuntimeError } from '../../errors.js'

/** What later commands must know of a container, beside its config. */
export interface ContainerState {
  readonly id: string
  /** Version of the spec that its config names. */
  readonly ociVersion: string
  /** Absolute path of the bundle. */
  readonly bundle: string
  /** Absolute path of the root file system on the host. */
  readonly rootfs: string
  /** When it was made, in ISO 8601. */
  readonly created: string
  /** Process id on the host; null until the process exists. */
  readonly pid: number | null
  /** When the process began, in clock ticks since boot: tells it from a later one of the same number. */
  readonly startTicks: string | null
  /** The boot that it was made in: after another one its process is gone, whatever has its number. */
  readonly bootId: string
  readonly annotations: Readonly<Record<string, string>>
  /** Who made its cgroup. */
  readonly cgroupManager: 'cgroupfs' | 'systemd' | 'disabled'
  /** Folders of its cgroup by controller; on cgroup v2 one, by the empty name. */
  readonly cgroupPaths: Readonly<Record<string, string>>
  /** Folder of its resctrl group; empty where it has none. */
  readonly intelRdtPath: string
  /** What its descriptors 0, 1 and 2 lead to, for a restore (readlink(2) of `/proc/PID/fd/N`). */
  readonly externalDescriptors: readonly string[]
  readonly terminal: boolean
  /** Made by a user other than root. */
  readonly rootless: boolean
}

/** What is called otherwise in the file: the names that tools know from runc's `state.json`. */
const fileNames = {
  pid: 'init_process_pid',
  startTicks: 'init_process_start',
  cgroupPaths: 'cgroup_paths',
  intelRdtPath: 'intel_rdt_path',
  externalDescriptors: 'external_descriptors',
} as const

/** Kinds of namespaces by the names of `namespace_paths`, and their files below `/proc/PID/ns`. */
const namespaceFiles = {
  NEWCGROUP: 'cgroup',
  NEWIPC: 'ipc',
  NEWNET: 'net',
  NEWNS: 'mnt',
  NEWPID: 'pid',
  NEWTIME: 'time',
  NEWUSER: 'user',
  NEWUTS: 'uts',
} as const

/** The text of `state.json`. */
export function formatState(state: ContainerState): string {
  const { pid, startTicks, cgroupPaths, intelRdtPath, externalDescriptors, ...rest } = state
  return JSON.stringify({
    ...rest,
    [fileNames.pid]: pid,
    [fileNames.startTicks]: startTicks === null ? null : Number(startTicks),
    [fileNames.cgroupPaths]: cgroupPaths,
    [fileNames.intelRdtPath]: intelRdtPath,
    [fileNames.externalDescriptors]: externalDescriptors,
    ...(pid === null ? {} : { namespace_paths: namespacePaths(pid) }),
  })
}

function namespacePaths(pid: number): Record<string, string> {
  return Object.fromEntries(
    Object.entries(namespaceFiles).map(([kind, name]) => [kind, `/proc/${pid}/ns/${name}`]),
  )
}

/**
 * Reads the text of a `state.json`.
 *
 * @param path - Where it is from, for the error.
 * @throws {@link RuntimeError} `ERR_RUNTIME_STATE`: it is damaged.
 */
export function parseState(text: string, path: string): ContainerState {
  const value = parseObject(text, path)
  const field = <T>(name: string, check: (field: unknown) => field is T): T => {
    const found = value[name]
    if (check(found)) return found
    throw damaged(path, `${name} is missing or of another type`)
  }
  const startTicks = field(fileNames.startTicks, isCountOrNull)
  return {
    id: field('id', isString),
    ociVersion: field('ociVersion', isString),
    bundle: field('bundle', isString),
    rootfs: field('rootfs', isString),
    created: field('created', isString),
    pid: field(fileNames.pid, isPidOrNull),
    startTicks: startTicks === null ? null : String(startTicks),
    bootId: field('bootId', isString),
    annotations: field('annotations', isStringRecord),
    cgroupManager: field('cgroupManager', isCgroupManager),
    cgroupPaths: field(fileNames.cgroupPaths, isStringRecord),
    intelRdtPath: field(fileNames.intelRdtPath, isString),
    externalDescriptors: field(fileNames.externalDescriptors, isStringArray),
    terminal: field('terminal', isBoolean),
    rootless: field('rootless', isBoolean),
  }
}

function parseObject(text: string, path: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw damaged(path, 'it is not JSON', cause)
  }
  if (isRecord(value)) return value
  throw damaged(path, 'it is not an object')
}

function damaged(path: string, why: string, cause?: unknown): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_STATE',
    `cannot read ${path}: ${why}; remove the container by delete --force`,
    { cause },
  )
}

const isString = (value: unknown): value is string => typeof value === 'string'
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isStringArray = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every(isString)
const isStringRecord = (value: unknown): value is Readonly<Record<string, string>> =>
  isRecord(value) && Object.values(value).every(isString)
const isCountOrNull = (value: unknown): value is number | null =>
  value === null || (Number.isSafeInteger(value) && (value as number) >= 0)
// 0 would be the caller's own process group to kill(2), and 1 is never a container
const isPidOrNull = (value: unknown): value is number | null =>
  isCountOrNull(value) && (value === null || value > 1)
const isCgroupManager = (value: unknown): value is ContainerState['cgroupManager'] =>
  value === 'cgroupfs' || value === 'systemd' || value === 'disabled'
