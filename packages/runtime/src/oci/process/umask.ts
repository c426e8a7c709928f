import type { Program } from '@ctr/linux'

/** Stage 2, before the command: the file mode creation mask, 0022 unless the config says otherwise. */
export function setUmask(program: Program, umask = 0o022): void {
  program.step('set the umask').call('umask', [umask])
}
