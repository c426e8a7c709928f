import { statfsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { defaultConfig } from '../../config/default-config.js'
import { command } from '../command.js'
import { usageError } from '../usage-error.js'

const CGROUP2_SUPER_MAGIC = 0x63677270

export const spec = command({
  name: 'spec',
  summary: 'write a config.json to begin with',
  usage: '',
  description: `It runs sh on a terminal, in the root file system 'rootfs' beside it. A file that is there is not replaced.`,
  options: {
    bundle: {
      type: 'string',
      short: 'b',
      value: 'DIR',
      help: 'folder to write into (default: the current one)',
    },
    rootless: { type: 'boolean', help: 'for containers of a user without privileges' },
  },
  arity: [0, 0],
  run({ values: { bundle = '.', rootless = false } }) {
    const path = resolve(bundle, 'config.json')
    const config = defaultConfig({ rootless, cgroupNamespace: hasCgroup2() })
    try {
      writeFileSync(path, `${JSON.stringify(config, undefined, '\t')}\n`, { flag: 'wx', mode: 0o666 })
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
      throw usageError(`File ${path} exists. Remove it first`, { cause })
    }
    return 0
  },
})

function hasCgroup2(): boolean {
  try {
    return statfsSync('/sys/fs/cgroup').type === CGROUP2_SUPER_MAGIC
  } catch {
    return false
  }
}
