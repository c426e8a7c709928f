import { resolve } from 'node:path'
import type { CriuCommonOptions, ManageCgroupsMode, NetworkLock } from '../../checkpoint/options.js'
import { oneOf } from '../globals.js'
import type { Options, Values } from '../options.js'
import { absolute } from './create-options.js'

/** Options that `checkpoint` and `restore` have. */
export const criuOptions = {
  'image-path': { type: 'string', value: 'DIR', help: 'folder of the images (default: checkpoint)' },
  'work-path': { type: 'string', value: 'DIR', help: 'folder of logs and other files of criu' },
  'tcp-established': { type: 'boolean', help: 'allow open TCP connections' },
  'ext-unix-sk': { type: 'boolean', help: 'allow unix sockets connected to the outside' },
  'shell-job': { type: 'boolean', help: 'allow a terminal of the caller' },
  'file-locks': { type: 'boolean', help: 'allow file locks' },
  'lazy-pages': { type: 'boolean', help: 'fetch memory when it is needed (userfaultfd)' },
  'manage-cgroups-mode': {
    type: 'string',
    value: 'MODE',
    help: 'cgroups: soft (default), full, strict or ignore',
  },
  'network-lock': {
    type: 'string',
    value: 'METHOD',
    help: 'how connections are held: iptables, nftables or skip',
  },
  'empty-ns': { type: 'list', value: 'NAMESPACE', help: 'namespace whose properties are left out: network' },
  'auto-dedup': { type: 'boolean', help: 'free space of images as soon as their pages are in use' },
} as const satisfies Options

const modes = ['soft', 'full', 'strict', 'ignore'] as const satisfies readonly ManageCgroupsMode[]
const locks = ['iptables', 'nftables', 'skip'] as const satisfies readonly NetworkLock[]

/** Options for CRIU as the runtime takes them; relative paths are meant from the current folder. */
export function readCriuOptions(values: Values<typeof criuOptions>): CriuCommonOptions {
  const mode = values['manage-cgroups-mode']
  const lock = values['network-lock']
  return {
    imagePath: resolve(values['image-path'] ?? 'checkpoint'),
    workPath: absolute(values['work-path']),
    tcpEstablished: values['tcp-established'],
    externalUnixSockets: values['ext-unix-sk'],
    shellJob: values['shell-job'],
    fileLocks: values['file-locks'],
    lazyPages: values['lazy-pages'],
    manageCgroupsMode: mode === undefined ? undefined : oneOf('manage-cgroups-mode', mode, modes),
    networkLock: lock === undefined ? undefined : oneOf('network-lock', lock, locks),
    emptyNs: values['empty-ns']?.map((name) => oneOf('empty-ns', name, ['network'])),
    autoDedup: values['auto-dedup'],
  }
}
