import type { Bench } from './case.js'
import { freshDisk } from './fresh-disk.js'
import type { Subject } from './measure.js'
import type { PeerName } from './peers.js'

/** Those that pull, unpack, and can be given a new disk for each time. */
export const pullPeers = ['containerd', 'docker', 'podman'] as const satisfies readonly PeerName[]

interface Commands {
  /** Not timed, on the new disk: starts a daemon and waits for it. */
  readonly begin: string
  readonly pull: string
  /** Not timed: nothing is left on the disk that holds it. */
  readonly end: string
}

/** The others, each on an ext4 of its own, with a daemon of its own where it has one. */
export function pullsOfPeers({ peers }: Bench, reference: string): Subject[] {
  const disk = `/var/tmp/${peers.mark}`
  return pullPeers
    .filter((name) => peers.has(name))
    .map((name) => ({
      name,
      async run() {
        const { begin, pull, end } = commandsOf(name, disk, reference)
        await peers.shell.time(`{ ${freshDisk.make(disk, 8)} && ${begin}; }`, 1)
        try {
          return await peers.shell.time(pull, 1)
        } finally {
          await peers.shell.time(`{ ${end}; ${freshDisk.remove(disk)}; }`, 1)
        }
      },
    }))
}

function commandsOf(name: (typeof pullPeers)[number], disk: string, reference: string): Commands {
  switch (name) {
    case 'containerd': {
      const client = `ctr -a ${disk}/run.sock`
      const daemon = `containerd --root ${disk}/root --state ${disk}/state --address ${disk}/run.sock -l fatal`
      return {
        begin: started(daemon, disk, `${client} version`),
        pull: `${client} images pull --plain-http ${reference}`,
        end: ended(disk),
      }
    }
    case 'docker': {
      const client = `docker -H unix://${disk}/run.sock`
      // with a containerd of its own, and without a network, which it shares with whoever else is there
      const daemon =
        `dockerd --data-root ${disk}/root --exec-root ${disk}/state --pidfile ${disk}/daemon.pid ` +
        `-H unix://${disk}/run.sock --bridge=none --iptables=false --ip6tables=false -l fatal`
      return {
        begin: started(daemon, disk, `${client} info`),
        pull: `${client} pull -q ${reference}`,
        end: ended(disk),
      }
    }
    case 'podman':
      return {
        begin: 'true',
        pull: `podman --root ${disk}/root --runroot ${disk}/run pull -q --tls-verify=false ${reference}`,
        // its storage is a mount of its own
        end: `{ umount ${disk}/root/overlay 2>/dev/null || true; }`,
      }
  }
}

function started(daemon: string, disk: string, probe: string): string {
  return (
    `{ ${daemon} >/dev/null 2>&1 & echo $! >${disk}.pid; ` +
    `for n in $(seq 300); do ${probe} >/dev/null 2>&1 && break; sleep 0.1; done; }`
  )
}

function ended(disk: string): string {
  return `{ kill $(cat ${disk}.pid); while kill -0 $(cat ${disk}.pid) 2>/dev/null; do sleep 0.1; done; rm ${disk}.pid; }`
}
