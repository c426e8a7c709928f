// A process of its own that has the network open: bundled and started by the crash tests.
import { createNetworkNamespace, Netbridge } from '@ctr/netbridge'

const [state = '', instance = '', mode = '', prefix = ''] = process.argv.slice(2)
const net = await Netbridge.open({ state, instance })

if (mode === 'churn') {
  process.stdout.write('ready\n')
  for (let round = 0; ; round++) {
    using netns = createNetworkNamespace()
    const endpoint = net.attach({ id: `${prefix}${round}`, netnsFd: netns.fd, publish: [{ container: 80 }] })
    if (round % 3 !== 0) endpoint.detach() // every third is left behind
    await new Promise((resolve) => setImmediate(resolve))
  }
}

if (mode === 'attach') {
  const all = Array.from({ length: 20 }, (_, index) => {
    using netns = createNetworkNamespace()
    return net.attach({ id: `${prefix}${index}`, netnsFd: netns.fd, publish: [{ container: 80 }] })
  })
  process.stdout.write(JSON.stringify(all))
  await net.close()
}

if (mode === 'names') {
  await net.serveDns({ forward: false })
  process.stdout.write('ready\n')
}

if (mode === 'hold') {
  using netns = createNetworkNamespace()
  const { ports } = net.attach({ id: prefix, netnsFd: netns.fd, publish: [{ container: 80 }] })
  process.stdout.write(String(ports[0]!.host))
  setInterval(() => undefined, 1000)
}
