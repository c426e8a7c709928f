import { CgroupError } from '../errors.js'
import { checkInteger, invalid } from './check.js'
import type { HugepageLimit, NetworkResources, RdmaLimit, Resources } from './resources.js'
import type { Setting } from './setting.js'

const UINT32 = 2 ** 32 - 1
/** `hca_object` and `hca_handle` are signed in the kernel. */
const INT32 = 2 ** 31 - 1

/** Settings of `hugetlb`. A kernel before 5.7 has no limits of reservations. Pure. */
export function planHugepages(limits: readonly HugepageLimit[], version: 1 | 2): Setting[] {
  const [file, unlimited] = version === 1 ? ['limit_in_bytes', '-1'] : ['max', 'max']
  return limits.flatMap(({ pageSize, limit }, index): Setting[] => {
    const what = `hugepageLimits[${index}]`
    if (!/^[1-9]\d{0,9}[KMG]B$/.test(pageSize))
      throw invalid(`${what}.pageSize`, 'a size such as 2MB', pageSize)
    if (limit !== 'max') checkInteger(`${what}.limit`, limit, 0, Number.MAX_SAFE_INTEGER, 'bytes')
    const value = limit === 'max' ? unlimited : String(limit)
    return [
      { controller: 'hugetlb', file: `hugetlb.${pageSize}.${file}`, value },
      { controller: 'hugetlb', file: `hugetlb.${pageSize}.rsvd.${file}`, value, otherwise: 'skip' },
    ]
  })
}

/** Settings of v1's `net_cls` and `net_prio`. Pure. */
export function planNetwork({ classID, priorities = [] }: NetworkResources): Setting[] {
  const found: Setting[] = []
  if (classID !== undefined) {
    checkInteger('network.classID', classID, 0, UINT32)
    found.push({ controller: 'net_cls', file: 'net_cls.classid', value: String(classID) })
  }
  for (const [index, { name, priority }] of priorities.entries()) {
    checkInteger(`network.priorities[${index}].priority`, priority, 0, UINT32)
    found.push({
      controller: 'net_prio',
      file: 'net_prio.ifpriomap',
      value: `${word(name, `network.priorities[${index}].name`)} ${priority}`,
    })
  }
  return found
}

/** Settings of `rdma`. Pure. */
export function planRdma(limits: Readonly<Record<string, RdmaLimit>>): Setting[] {
  return Object.entries(limits).flatMap(([device, { hcaHandles, hcaObjects }]) => {
    const parts = [word(device, 'rdma')]
    for (const [key, value] of [
      ['hca_handle', hcaHandles],
      ['hca_object', hcaObjects],
    ] as const) {
      if (value === undefined) continue
      if (value !== 'max') checkInteger(`rdma.${device}.${key}`, value, 0, INT32)
      parts.push(`${key}=${value}`)
    }
    return parts.length === 1 ? [] : [{ controller: 'rdma', file: 'rdma.max', value: parts.join(' ') }]
  })
}

/** Settings of `misc`. Pure. */
export function planMisc(limits: NonNullable<Resources['misc']>): Setting[] {
  return Object.entries(limits).map(([name, limit]) => {
    if (limit !== 'max') checkInteger(`misc.${name}`, limit, 0, Number.MAX_SAFE_INTEGER)
    return { controller: 'misc', file: 'misc.max', value: `${word(name, 'misc')} ${limit}` }
  })
}

/** Settings of the map of v2's files. Pure. */
export function planUnified(unified: Readonly<Record<string, string>>, version: 1 | 2): Setting[] {
  const entries = Object.entries(unified)
  if (version === 1 && entries.length > 0)
    throw new CgroupError(
      'ERR_CGROUP_UNSUPPORTED',
      `cannot use unified.${show(entries[0]![0])}: it is for v2 only, and the controllers here are on v1`,
    )
  return entries.flatMap(([file, text]) => {
    const controller = file.slice(0, Math.max(0, file.indexOf('.')))
    if (!/^[a-z][a-z_]*$/.test(controller) || !/^[a-zA-Z0-9_.]{1,200}$/.test(file))
      throw new CgroupError(
        'ERR_CGROUP_INVALID_ARG',
        `cannot use the name of a file in unified: the specified key has not the form CONTROLLER.VALUE \`${show(file)}\``,
      )
    // the kernel takes one line a write
    const lines = text.split('\n').filter(Boolean)
    return (lines.length === 0 ? [''] : lines).map((value) => ({ controller, file, value }))
  })
}

/** A name that is one word of a line of an interface file. */
function word(name: string, what: string): string {
  if (/^[^\s\0=]{1,64}$/.test(name)) return name
  throw invalid(what, 'a name without spaces of at most 64 characters', name)
}

function show(text: string): string {
  return text.slice(0, 80)
}
