import type { PublishedPort } from '@ctr/netbridge'
import { findProgram, refusal, type AttachOptions } from './network-program.js'
import { dnsAddress } from './dns-address.js'

/** Connects a network namespace by pasta(1), which goes into the background itself and publishes the ports. */
export async function attachPasta(
  { pid, pidFile, forwardDns }: AttachOptions,
  ports: readonly PublishedPort[],
): Promise<void> {
  const spec = (wanted: string): string[] => {
    const flag = wanted === 'tcp' ? '-t' : '-u'
    const specs = ports
      .filter(({ protocol }) => protocol === wanted)
      .map(({ host, container, hostIp }) => `${hostIp === '0.0.0.0' ? '' : `${hostIp}/`}${host}:${container}`)
    return specs.length === 0 ? [flag, 'none'] : specs.flatMap((each) => [flag, each])
  }
  const args = [
    ...['--config-net', '--quiet', '--no-map-gw', '--ns-ifname', 'eth0', '--pid', pidFile],
    ...[...spec('tcp'), ...spec('udp'), '-T', 'none', '-U', 'none'],
    ...(forwardDns ? ['--dns-forward', dnsAddress.pasta] : []),
    String(pid),
  ]
  const { failed, said } = await run(findProgram('pasta')!, args)
  if (failed) throw refusal('pasta', said, ports)
}

function run(
  file: string,
  args: readonly string[],
): Promise<{ readonly failed: boolean; readonly said: string }> {
  // loaded with the first network: nobody else needs it
  const { execFile } = process.getBuiltinModule('node:child_process')
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 30_000 }, (error, _stdout, stderr) => {
      resolve({ failed: error !== null, said: stderr.trim() })
    })
  })
}
