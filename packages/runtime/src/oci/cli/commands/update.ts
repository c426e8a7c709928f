import { readFileSync } from 'node:fs'
import { parseResources } from '../../config/parse-config.js'
import { checkIntelRdt } from '../../process/intel-rdt.js'
import { command } from '../command.js'
import { usageError } from '../usage-error.js'
import { updateOptions, updateResources } from '../update-resources.js'

const STDIN = 0

export const update = command({
  name: 'update',
  summary: 'change the limits of a container',
  usage: 'CONTAINER',
  description: `Limits that are not given stay as they are. With --resources the other limits are not looked at.`,
  options: {
    resources: {
      type: 'string',
      short: 'r',
      value: 'FILE',
      help: 'JSON file as linux.resources of a config.json; - reads standard input',
    },
    ...updateOptions,
    'l3-cache-schema': {
      type: 'string',
      value: 'TEXT',
      help: 'shares of the L3 cache, as the resctrl file system has them',
    },
    'mem-bw-schema': {
      type: 'string',
      value: 'TEXT',
      help: 'shares of memory bandwidth, as the resctrl file system has them',
    },
  },
  arity: [1, 1],
  async run({ values, args: [id], program }) {
    const { resources: file } = values
    const resources =
      file === undefined
        ? updateResources(values)
        : parseResources(readFileSync(file === '-' ? STDIN : file, 'utf8'))
    const schemas = { l3CacheSchema: values['l3-cache-schema'], memBwSchema: values['mem-bw-schema'] }
    if (schemas.l3CacheSchema !== undefined || schemas.memBwSchema !== undefined) {
      checkIntelRdt(schemas)
      throw usageError(
        'cannot change shares of cache and memory bandwidth while a container runs: set them in its config',
      )
    }
    const container = (await program.open()).container(id!)
    await container.update(resources)
    return 0
  },
})
