import {
  type Checker,
  flag,
  int64,
  integer,
  line,
  list,
  object,
  oneOf,
  optional,
  optionalText,
  record,
  text,
  uint16,
  uint32,
  uint64,
  wrong,
} from './check.js'
import type {
  ConfigBlockIo,
  ConfigDeviceRule,
  ConfigHugepageLimit,
  ConfigMemory,
  ConfigResources,
} from './config-resources.js'
import { invalidConfig } from './invalid-config.js'

/** Numbers of a device node: `dev_t` has 12 and 20 bits for them. */
export const majorNumber = integer(0, 2 ** 12 - 1)
export const minorNumber = integer(0, 2 ** 20 - 1)

const access: Checker<string> = (value, path, warn) => {
  const checked = text(value, path, warn)
  if (!/^[rwma]{1,4}$/.test(checked)) throw wrong(path, 'some of the letters r, w and m', checked)
  return checked
}

const deviceRule: Checker<ConfigDeviceRule> = object({
  allow: flag,
  type: optionalText(oneOf(['a', 'c', 'b'])),
  major: optional(integer(-1, 2 ** 12 - 1)),
  minor: optional(integer(-1, 2 ** 20 - 1)),
  access: optionalText(access),
})

const memory: Checker<ConfigMemory> = object({
  limit: optional(int64),
  reservation: optional(int64),
  swap: optional(int64),
  kernel: optional(int64),
  kernelTCP: optional(int64),
  swappiness: optional(uint64),
  disableOOMKiller: optional(flag),
  useHierarchy: optional(flag),
  checkBeforeUpdate: optional(flag),
})

const cpu = object({
  shares: optional(uint64),
  quota: optional(int64),
  burst: optional(uint64),
  period: optional(uint64),
  realtimeRuntime: optional(int64),
  realtimePeriod: optional(uint64),
  cpus: optionalText(line),
  mems: optionalText(line),
  idle: optional(int64),
})

const weightDevice = object({
  major: majorNumber,
  minor: minorNumber,
  weight: optional(uint16),
  leafWeight: optional(uint16),
})

const throttleDevices = optional(list(object({ major: majorNumber, minor: minorNumber, rate: uint64 })))

const blockIo: Checker<ConfigBlockIo> = object({
  weight: optional(uint16),
  leafWeight: optional(uint16),
  weightDevice: optional(list(weightDevice)),
  throttleReadBpsDevice: throttleDevices,
  throttleWriteBpsDevice: throttleDevices,
  throttleReadIOPSDevice: throttleDevices,
  throttleWriteIOPSDevice: throttleDevices,
})

const pageSize: Checker<string> = (value, path) => {
  if (typeof value === 'string' && /^[1-9]\d{0,9}[KMGT]B$/.test(value)) return value
  throw wrong(path, 'a size such as 64KB, 2MB or 1GB', value)
}

const hugepageFields = object({ pageSize: optional(pageSize), pagesize: optional(pageSize), limit: uint64 })

// runtimes written in Go take a field's name in any case, and configs made for them are written so
const hugepageLimit: Checker<ConfigHugepageLimit> = (value, path, warn) => {
  const { pageSize: spelled, pagesize, limit } = hugepageFields(value, path, warn)
  return { pageSize: spelled ?? pageSize(pagesize, `${path}.pageSize`, warn), limit }
}

const network = object({
  classID: optional(uint32),
  priorities: optional(list(object({ name: line, priority: uint32 }))),
})

/** A `resources` object. */
export const resourcesChecker: Checker<ConfigResources> = object({
  devices: optional(list(deviceRule)),
  memory: optional(memory),
  cpu: optional(cpu),
  pids: optional(object({ limit: optional(int64) })),
  blockIO: optional(blockIo),
  hugepageLimits: optional(list(hugepageLimit)),
  network: optional(network),
  rdma: optional(record(object({ hcaHandles: optional(uint32), hcaObjects: optional(uint32) }), line)),
  unified: optional(record(text, checkCgroupFile)),
})

// it is opened in the container's cgroup, and must not lead out of it
function checkCgroupFile(file: string, path: string): void {
  if (!/^[a-z0-9_]+(?:\.[A-Za-z0-9_-]+)+$/.test(file)) {
    throw invalidConfig(
      `${path}: the specified key has not the form CONTROLLER.VALUE \`${file.slice(0, 100)}\``,
    )
  }
}
