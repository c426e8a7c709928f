import type { Integer64 } from '../config/json.js'
import type { ConfigResources } from '../config/config-resources.js'
import type { Options, Values } from './options.js'
import { parseInteger, parseInteger64 } from './values/parse-integer.js'
import { parseSize } from './values/parse-size.js'

/** Options that say which limits change. */
export const updateOptions = {
  'blkio-weight': { type: 'string', value: 'N', help: 'weight of block I/O, 10 to 1000' },
  'cpu-period': { type: 'string', value: 'USEC', help: 'length of a period for cpu-quota' },
  'cpu-quota': { type: 'string', value: 'USEC', help: 'CPU time in each period; -1 for no limit' },
  'cpu-burst': { type: 'string', value: 'USEC', help: 'CPU time that may be saved up for later periods' },
  'cpu-share': { type: 'string', value: 'N', help: 'CPU shares, relative to other containers' },
  'cpu-rt-period': { type: 'string', value: 'USEC', help: 'length of a period for cpu-rt-runtime' },
  'cpu-rt-runtime': { type: 'string', value: 'USEC', help: 'real-time CPU time in each period' },
  'cpu-idle': {
    type: 'string',
    value: 'N',
    help: '1: only when nothing else runs (SCHED_IDLE); 0: as usual',
  },
  'cpuset-cpus': { type: 'string', value: 'LIST', help: 'CPUs to use, such as 0-3,7' },
  'cpuset-mems': { type: 'string', value: 'LIST', help: 'memory nodes to use' },
  memory: { type: 'string', value: 'SIZE', help: 'memory limit in bytes, or with a unit; -1 for none' },
  'memory-reservation': { type: 'string', value: 'SIZE', help: 'soft memory limit' },
  'memory-swap': { type: 'string', value: 'SIZE', help: 'limit of memory and swap together; -1 for none' },
  'pids-limit': { type: 'string', value: 'N', help: 'most processes and threads; -1 for no limit' },
  'kernel-memory': { type: 'string', value: 'SIZE', help: 'kernels no longer have this limit', hidden: true },
  'kernel-memory-tcp': {
    type: 'string',
    value: 'SIZE',
    help: 'kernels no longer have this limit',
    hidden: true,
  },
} as const satisfies Options

type Name = keyof typeof updateOptions

/**
 * Limits as options give them. What is not given stays out.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: a value that cannot be.
 */
export function updateResources(values: Values<typeof updateOptions>): ConfigResources {
  const read = <T>(name: Name, parse: (text: string) => T): T | undefined => {
    const text = values[name]
    return text === undefined ? undefined : parse(text)
  }
  const size = (name: Name): number | undefined => read(name, (text) => parseSize(name, text))
  const count = (name: Name): Integer64 | undefined =>
    read(name, (text) => parseInteger64(name, text, { signed: false }))
  const signed = (name: Name): Integer64 | undefined =>
    read(name, (text) => parseInteger64(name, text, { signed: true }))
  const weight = read('blkio-weight', (text) => parseInteger('blkio-weight', text, { min: 0, max: 1000 }))
  const pids = signed('pids-limit')
  return {
    memory: {
      limit: size('memory'),
      reservation: size('memory-reservation'),
      swap: size('memory-swap'),
      kernel: size('kernel-memory'),
      kernelTCP: size('kernel-memory-tcp'),
    },
    cpu: {
      shares: count('cpu-share'),
      quota: signed('cpu-quota'),
      burst: count('cpu-burst'),
      period: count('cpu-period'),
      realtimeRuntime: signed('cpu-rt-runtime'),
      realtimePeriod: count('cpu-rt-period'),
      cpus: values['cpuset-cpus'],
      mems: values['cpuset-mems'],
      idle: read('cpu-idle', (text) => parseInteger('cpu-idle', text, { min: 0, max: 1 })),
    },
    // 0 stands for what is not given, as in files of limits
    ...(weight === undefined || weight === 0 ? {} : { blockIO: { weight } }),
    ...(pids === undefined || pids === 0 ? {} : { pids: { limit: pids } }),
  }
}
