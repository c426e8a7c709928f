import { rlimitTypes } from '@ctr/namespaces'
import { allCapabilities, type Capability } from '../../security/capability.js'
import {
  absolutePath,
  type Checker,
  flag,
  integer,
  line,
  list,
  name,
  object,
  oneOf,
  optional,
  optionalText,
  text,
  uint16,
  uint32,
  uint64,
  variable,
  withDefault,
  wrong,
} from './check.js'
import type {
  ConfigCapabilities,
  ConfigIoPriority,
  ConfigProcess,
  ConfigRlimit,
  ConfigScheduler,
} from './config-process.js'
import { idList } from './id-list.js'
import { invalidConfig, shown } from './invalid-config.js'

/** Highest number of a CPU: the end of `CONFIG_NR_CPUS`. */
const MOST_CPU = 8191

const capabilityNames: ReadonlySet<unknown> = new Set(allCapabilities)

const names = list(name)

/** Leaves out capabilities that no Linux has, as the specification wants. */
const capabilities: Checker<readonly Capability[]> = (value, path, warn) =>
  names(value, path, warn).filter((one): one is Capability => {
    const known = capabilityNames.has(one)
    if (!known) warn(`${path}: ignoring unknown capability ${shown(one)}`)
    return known
  })

const capabilitySets: Checker<ConfigCapabilities> = object({
  bounding: optional(capabilities),
  effective: optional(capabilities),
  inheritable: optional(capabilities),
  permitted: optional(capabilities),
  ambient: optional(capabilities),
})

const rlimitList = list(
  object({
    type: oneOf(rlimitTypes),
    soft: uint64,
    hard: uint64,
  }),
)

const rlimits: Checker<readonly ConfigRlimit[]> = (value, path, warn) => {
  const seen = new Set<string>()
  const checked = rlimitList(value, path, warn)
  for (const [index, { type, soft, hard }] of checked.entries()) {
    if (seen.has(type)) throw invalidConfig(`${path}[${index}] sets ${type} a second time`)
    if (soft > hard) throw wrong(`${path}[${index}].soft`, `at most hard, which is ${hard}`, Number(soft))
    seen.add(type)
  }
  return checked
}

const schedulerFields = object({
  policy: oneOf([
    'SCHED_OTHER',
    'SCHED_FIFO',
    'SCHED_RR',
    'SCHED_BATCH',
    'SCHED_ISO',
    'SCHED_IDLE',
    'SCHED_DEADLINE',
  ]),
  nice: optional(integer(-20, 19)),
  priority: optional(integer(0, 99)),
  flags: optional(
    list(
      oneOf([
        'SCHED_FLAG_RESET_ON_FORK',
        'SCHED_FLAG_RECLAIM',
        'SCHED_FLAG_DL_OVERRUN',
        'SCHED_FLAG_KEEP_POLICY',
        'SCHED_FLAG_KEEP_PARAMS',
        'SCHED_FLAG_UTIL_CLAMP_MIN',
        'SCHED_FLAG_UTIL_CLAMP_MAX',
      ]),
    ),
  ),
  runtime: optional(uint64),
  deadline: optional(uint64),
  period: optional(uint64),
})

const scheduler: Checker<ConfigScheduler> = (value, path, warn) => {
  const checked = schedulerFields(value, path, warn)
  const { policy, priority } = checked
  const realTime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR'
  if (realTime !== (priority ?? 0) > 0) {
    throw wrong(`${path}.priority`, realTime ? `1 to 99 for ${policy}` : `0 for ${policy}`, priority ?? 0)
  }
  for (const field of ['runtime', 'deadline', 'period'] as const) {
    if (policy !== 'SCHED_DEADLINE' && (checked[field] ?? 0) > 0) {
      throw invalidConfig(`${path}.${field} is only for SCHED_DEADLINE, and ${path}.policy is ${policy}`)
    }
  }
  return checked
}

const ioPriority: Checker<ConfigIoPriority> = object({
  class: oneOf(['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE']),
  priority: withDefault(integer(0, 7), 0),
})

const fields = object({
  terminal: optional(flag),
  user: withDefault(
    object({
      uid: withDefault(uint32, 0),
      gid: withDefault(uint32, 0),
      umask: optional(integer(0, 0o777)),
      additionalGids: optional(list(uint32)),
    }),
    { uid: 0, gid: 0 },
  ),
  args: list(text),
  env: optional(list(variable)),
  cwd: absolutePath,
  capabilities: optional(capabilitySets),
  rlimits: optional(rlimits),
  noNewPrivileges: optional(flag),
  apparmorProfile: optionalText(line),
  selinuxLabel: optionalText(line),
  oomScoreAdj: optional(integer(-1000, 1000)),
  scheduler: optional(scheduler),
  ioPriority: optional(ioPriority),
  execCPUAffinity: optional(
    object({ initial: optionalText(idList(MOST_CPU)), final: optionalText(idList(MOST_CPU)) }),
  ),
})

// only read beside a terminal: the specification wants it ignored otherwise
const terminalFields = object({ consoleSize: optional(object({ height: uint16, width: uint16 })) })

/** A `process` object. */
export const processChecker: Checker<ConfigProcess> = (value, path, warn) => {
  const checked = fields(value, path, warn)
  if ((checked.args[0] ?? '') === '') throw wrong(`${path}.args`, 'a program and its arguments', '')
  return checked.terminal === true ? { ...checked, ...terminalFields(value, path, warn) } : checked
}
