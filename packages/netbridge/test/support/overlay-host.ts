// A host of an overlay network: a process that is started in a network namespace, and told what to do line by line.
import { execFileSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { createNetworkNamespace, Networks, type Network, type NetworkNamespace } from '@ctr/netbridge'
import { ask, serve } from './inside.js'

const [folder = '', instance = ''] = process.argv.slice(2)
const networks = Networks.open({ root: `${folder}/lib`, state: `${folder}/run`, instance })
const namespaces = new Map<string, NetworkNamespace>()
let net: Network | undefined

interface Command {
  readonly name: string
  readonly options?: Parameters<Networks['create']>[0]
  readonly id?: string
  readonly ip?: string
  readonly address?: string
  readonly port?: number
  readonly size?: number
  readonly force?: boolean
}

const commands: Readonly<Record<string, (command: Command) => unknown>> = {
  create: async ({ options }) => (net = await networks.create(options!)).info,
  get: async ({ id }) => (net = await networks.get(id!)).info,
  attach: async ({ id, ip }) => {
    await net!.provide({ ip })
    const netns = createNetworkNamespace()
    namespaces.set(id!, netns)
    const endpoint = net!.attach({ id: id!, netnsFd: netns.fd, names: [`name-of-${id}`], ip })
    await serve(netns.fd, 80, id!)
    await serve(netns.fd, 81, id!, '::')
    return endpoint
  },
  endpoints: () => net!.endpoints(),
  detach: ({ id }) => net!.endpoint(id!)?.detach(),
  ask: ({ id, address, port }) => ask(namespaces.get(id!)!.fd, address!, port ?? 80),
  ping: ({ id, address, size }) =>
    execFileSync(
      'nsenter',
      [
        `--net=/proc/${process.pid}/fd/${namespaces.get(id!)!.fd}`,
        ...['ping', '-c1', '-W2', '-M', 'do', '-s', String(size), address!],
      ],
      { encoding: 'utf8' },
    ),
  lookup: ({ id }) => net!.names().addressesOf(id!) ?? [],
  peers: () => net!.peers(),
  explain: () => networks.explain(net!.name),
  failure: () => net!.storeFailure?.message ?? null,
  remove: async ({ force }) => {
    net!.cleanup([])
    await networks.remove(net!.name, { force })
  },
  close: () => networks.close(),
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command
  let answer: unknown
  try {
    answer = { value: await commands[command.name]!(command) }
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string }
    answer = { error: { code, message } }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
process.exit(0) // its servers would go on
