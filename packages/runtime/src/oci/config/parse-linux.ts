import {
  absolutePath,
  type Checker,
  flag,
  int64,
  integer,
  line,
  list,
  name,
  object,
  oneOf,
  optional,
  optionalText,
  record,
  text,
  uint32,
  withDefault,
  wrong,
} from './check.js'
import type {
  ConfigDevice,
  ConfigIntelRdt,
  ConfigLinux,
  ConfigMemoryPolicy,
  ConfigNamespace,
  ConfigNetDevice,
  ConfigTimeOffset,
} from './config.js'
import { idList } from './id-list.js'
import { invalidConfig, shown } from './invalid-config.js'
import { memoryPolicyFlags, memoryPolicyModes, namespaceTypes, propagations } from './linux-names.js'
import { idMappings } from './parse-mount.js'
import { majorNumber, minorNumber, resourcesChecker } from './parse-resources.js'
import { seccompChecker } from './parse-seccomp.js'
import { sysctlFile } from './sysctl.js'

/** Highest number of a NUMA node: the end of `CONFIG_NODES_SHIFT`. */
const MOST_NODE = 1023

const namespaceList = list(object({ type: oneOf(namespaceTypes), path: optionalText(absolutePath) }))

const namespaces: Checker<readonly ConfigNamespace[]> = (value, path, warn) => {
  const checked = namespaceList(value, path, warn)
  const seen = new Set<string>()
  for (const [index, { type }] of checked.entries()) {
    if (seen.has(type)) throw invalidConfig(`${path}[${index}] is a second namespace of type ${type}`)
    seen.add(type)
  }
  return checked
}

const timeOffset: Checker<ConfigTimeOffset> = object({
  secs: optional(int64),
  nanosecs: optional(integer(0, 999_999_999)),
})

const PERMISSIONS = 0o7777

const deviceFields = object({
  type: oneOf(['c', 'b', 'u', 'p']),
  path: absolutePath,
  major: withDefault(majorNumber, 0),
  minor: withDefault(minorNumber, 0),
  fileMode: optional(uint32),
  uid: optional(uint32),
  gid: optional(uint32),
})

const device: Checker<ConfigDevice> = (value, path, warn) => {
  const checked = deviceFields(value, path, warn)
  // some engines write the type of the file as well
  return checked.fileMode === undefined ? checked : { ...checked, fileMode: checked.fileMode & PERMISSIONS }
}

/** Longest name of a network device (`IFNAMSIZ` without the NUL). */
const LONGEST_DEVICE = 15

const deviceName: Checker<string> = (value, path) => {
  const valid = typeof value === 'string' && /^[^\s/:\0]+$/.test(value) && value !== '.' && value !== '..'
  if (!valid || Buffer.byteLength(value) > LONGEST_DEVICE) {
    throw wrong(path, `a network device's name of at most ${LONGEST_DEVICE} bytes`, value)
  }
  return value
}

const netDeviceRecord = record(object({ name: optionalText(deviceName) }), deviceName)

const netDevices: Checker<Readonly<Record<string, ConfigNetDevice>>> = (value, path, warn) => {
  const checked = netDeviceRecord(value, path, warn)
  const names = new Set<string>()
  for (const [host, device] of Object.entries(checked)) {
    const inside = device.name ?? host
    if (names.has(inside) && !inside.includes('%d')) {
      throw invalidConfig(`${path}: two devices would be named ${shown(inside)} in the container`)
    }
    names.add(inside)
  }
  return checked
}

const rdtFields = object({
  closID: optionalText(line),
  schemata: optional(list(line)),
  l3CacheSchema: optionalText(line),
  memBwSchema: optionalText(line),
  enableMonitoring: optional(flag),
})

const intelRdt: Checker<ConfigIntelRdt> = (value, path, warn) => {
  const checked = rdtFields(value, path, warn)
  const { closID, memBwSchema } = checked
  if (closID === '.' || closID === '..' || (closID !== '/' && closID?.includes('/'))) {
    throw wrong(`${path}.closID`, 'the name of one folder, or /', closID)
  }
  if (memBwSchema !== undefined && !memBwSchema.startsWith('MB:')) {
    throw wrong(`${path}.memBwSchema`, 'text that begins with MB:', memBwSchema)
  }
  return checked
}

const policyFields = object({
  mode: oneOf(memoryPolicyModes),
  nodes: optionalText(idList(MOST_NODE)),
  flags: optional(list(oneOf(memoryPolicyFlags))),
})

// the kernel answers all of this with the same EINVAL
const memoryPolicy: Checker<ConfigMemoryPolicy> = (value, path, warn) => {
  const checked = policyFields(value, path, warn)
  const { mode, nodes, flags = [] } = checked
  const fixed = flags.find((one) => one === 'MPOL_F_STATIC_NODES' || one === 'MPOL_F_RELATIVE_NODES')
  const withoutNodes = mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL'
  if (withoutNodes && nodes !== undefined) throw invalidConfig(`${path}.nodes must be unset for ${mode}`)
  if (withoutNodes && fixed !== undefined) throw invalidConfig(`${path}.flags: ${fixed} is not for ${mode}`)
  if (!withoutNodes && nodes === undefined && (mode !== 'MPOL_PREFERRED' || fixed !== undefined)) {
    throw wrong(
      `${path}.nodes`,
      `a list of nodes for ${[mode, fixed ?? []].flat().join(' with ')}`,
      undefined,
    )
  }
  if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES')) {
    throw invalidConfig(`${path}.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other`)
  }
  const balances = mode === 'MPOL_BIND' || mode === 'MPOL_PREFERRED_MANY'
  if (flags.includes('MPOL_F_NUMA_BALANCING') && !balances) {
    throw invalidConfig(`${path}.flags: MPOL_F_NUMA_BALANCING is only for MPOL_BIND and MPOL_PREFERRED_MANY`)
  }
  return checked
}

/** The `linux` object. */
export const linux: Checker<ConfigLinux> = object({
  namespaces: optional(namespaces),
  uidMappings: optional(idMappings),
  gidMappings: optional(idMappings),
  timeOffsets: optional(object({ monotonic: optional(timeOffset), boottime: optional(timeOffset) })),
  devices: optional(list(device)),
  netDevices: optional(netDevices),
  cgroupsPath: optionalText(line),
  resources: optional(resourcesChecker),
  rootfsPropagation: optionalText(oneOf(propagations)),
  seccomp: optional(seccompChecker),
  sysctl: optional(record(text, sysctlFile)),
  maskedPaths: optional(list(absolutePath)),
  readonlyPaths: optional(list(absolutePath)),
  mountLabel: optionalText(line),
  personality: optional(object({ domain: oneOf(['LINUX', 'LINUX32']), flags: optional(list(name)) })),
  intelRdt: optional(intelRdt),
  memoryPolicy: optional(memoryPolicy),
})
