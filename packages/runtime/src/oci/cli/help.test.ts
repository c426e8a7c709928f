import { describe, expect, it } from '@jest/globals'
import { commands } from './commands/index-of-commands.js'
import { commandHelp, programHelp } from './help.js'

/** What engines and people call, by command. */
const flags: Readonly<Record<string, string>> = {
  checkpoint: `image-path work-path parent-path leave-running tcp-established tcp-skip-in-flight link-remap ext-unix-sk
    shell-job lazy-pages status-fd page-server file-locks pre-dump manage-cgroups-mode empty-ns auto-dedup`,
  create: 'bundle,-b console-socket pidfd-socket pid-file no-pivot no-new-keyring preserve-fds config,-f',
  delete: 'force,-f regex,-r',
  events: 'interval stats',
  exec: `console-socket pidfd-socket cwd env,-e tty,-t user,-u additional-gids,-g process,-p detach,-d pid-file
    process-label apparmor no-new-privs cap,-c preserve-fds cgroup ignore-paused`,
  features: '',
  kill: 'all,-a regex,-r',
  list: 'format,-f quiet,-q',
  mounts: '',
  pause: '',
  ps: 'format,-f',
  restore: `console-socket image-path work-path tcp-established ext-unix-sk shell-job file-locks manage-cgroups-mode
    bundle,-b detach,-d pid-file no-subreaper no-pivot empty-ns auto-dedup lazy-pages lsm-profile lsm-mount-context`,
  resume: '',
  run: `bundle,-b console-socket pidfd-socket detach,-d keep pid-file no-subreaper no-pivot no-new-keyring
    preserve-fds config,-f`,
  spec: 'bundle,-b rootless',
  start: '',
  state: '',
  update: `resources,-r blkio-weight cpu-period cpu-quota cpu-burst cpu-share cpu-rt-period cpu-rt-runtime cpuset-cpus
    cpuset-mems memory cpu-idle memory-reservation memory-swap pids-limit l3-cache-schema mem-bw-schema`,
}

describe('help', () => {
  it('lists all commands and global options', () => {
    const text = programHelp('ctr-runtime')
    expect(text).toMatch(/^NAME:\n {3}ctr-runtime - Open Container Initiative runtime\n/)
    expect(commands.map(({ name }) => name)).toEqual(Object.keys(flags))
    for (const { name, summary } of commands)
      expect(text).toMatch(new RegExp(`^   ${name} +${summary}$`, 'm'))
    for (const option of [
      'root',
      'log',
      'log-format',
      'systemd-cgroup',
      'cgroup-manager',
      'debug',
      'rootless',
    ]) {
      expect(text).toContain(`   --${option}`)
    }
    expect(text).not.toContain('--criu')
  })

  it.each(commands.map((entry) => [entry.name, entry] as const))(
    '%s tells all its options',
    async (name, entry) => {
      const command = await entry.load()
      expect(command).toMatchObject({ name, summary: entry.summary })
      const text = commandHelp('ctr-runtime', command)
      expect(text).toMatch(
        new RegExp(`^NAME:\\n   ctr-runtime ${name} - ${entry.summary}\\n\\nUsage: ctr-runtime \\[OPTION`),
      )
      for (const flag of flags[name]!.split(/\s+/).filter(Boolean)) {
        expect(text).toMatch(new RegExp(`^   --${flag.replace(',', ', ')}( |$)`, 'm'))
      }
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
    },
  )
})
