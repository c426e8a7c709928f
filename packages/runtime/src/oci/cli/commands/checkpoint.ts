import { command } from '../command.js'
import { usageError } from '../usage-error.js'
import { parseInteger } from '../values/parse-integer.js'
import { criuOptions, readCriuOptions } from './criu-options.js'

export const checkpoint = command({
  name: 'checkpoint',
  summary: 'save a running container with its memory',
  usage: 'CONTAINER',
  description:
    'CRIU does it, which must be in PATH. The container is removed afterwards, unless it is to go on.',
  options: {
    ...criuOptions,
    'parent-path': {
      type: 'string',
      value: 'DIR',
      help: 'images of an earlier --pre-dump, relative to --image-path',
    },
    'leave-running': { type: 'boolean', help: 'let the container go on' },
    'pre-dump': { type: 'boolean', help: 'save memory only, and let the container go on' },
    'tcp-skip-in-flight': { type: 'boolean', help: 'leave out connections that are being made' },
    'link-remap': { type: 'boolean', help: 'give deleted files a name again when that helps' },
    'page-server': {
      type: 'string',
      value: 'ADDRESS:PORT',
      help: 'send memory there in place of the image folder',
    },
    'status-fd': {
      type: 'string',
      value: 'FD',
      help: 'descriptor that gets a NUL when lazy pages can be fetched',
    },
  },
  arity: [1, 1],
  async run({ values, args: [id], program }) {
    const statusFd = values['status-fd']
    const options = {
      ...readCriuOptions(values),
      parentPath: values['parent-path'],
      leaveRunning: values['leave-running'],
      preDump: values['pre-dump'],
      tcpSkipInFlight: values['tcp-skip-in-flight'],
      linkRemap: values['link-remap'],
      pageServer: values['page-server'] === undefined ? undefined : pageServer(values['page-server']),
      // -1 is how callers say that there is none
      statusFd:
        statusFd === undefined || statusFd === '-1'
          ? undefined
          : parseInteger('status-fd', statusFd, { min: 0 }),
    }
    await (await program.open()).container(id!).checkpoint(options)
    return 0
  },
})

function pageServer(text: string): { readonly address: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const address = bracketed ?? plain
  if (address === undefined)
    throw usageError(`invalid value for page-server: must be ADDRESS:PORT, got ${text}`)
  return { address, port: parseInteger('page-server', port!, { min: 1, max: 65535 }) }
}
