import type { Command } from '../command.js'

/** A command: its name and summary are always known, the rest is loaded when it is called. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** All commands, as `--help` lists them. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'checkpoint',
    summary: 'save a running container with its memory',
    load: async () => (await import('./checkpoint.js')).checkpoint,
  },
  {
    name: 'create',
    summary: 'make a container, up to its first program',
    load: async () => (await import('./create.js')).create,
  },
  {
    name: 'delete',
    summary: 'remove a container that has stopped',
    load: async () => (await import('./delete.js')).remove,
  },
  {
    name: 'events',
    summary: 'print statistics of a container, and what happens to it',
    load: async () => (await import('./events.js')).events,
  },
  {
    name: 'exec',
    summary: 'run another program in a container',
    load: async () => (await import('./exec.js')).exec,
  },
  {
    name: 'features',
    summary: 'print what the runtime and this host can do',
    load: async () => (await import('./features.js')).features,
  },
  {
    name: 'kill',
    summary: 'send a signal to a container',
    load: async () => (await import('./kill.js')).kill,
  },
  {
    name: 'list',
    summary: 'print all containers of a root folder',
    load: async () => (await import('./list.js')).list,
  },
  {
    name: 'mounts',
    summary: 'mount something in a running container, or take it away',
    load: async () => (await import('./mounts.js')).mounts,
  },
  {
    name: 'pause',
    summary: 'stop all processes of a container where they are',
    load: async () => (await import('./pause.js')).pause,
  },
  {
    name: 'ps',
    summary: 'print the processes of a container',
    load: async () => (await import('./ps.js')).ps,
  },
  {
    name: 'restore',
    summary: 'make a container again from what checkpoint has saved',
    load: async () => (await import('./restore.js')).restore,
  },
  {
    name: 'resume',
    summary: 'let the processes of a paused container go on',
    load: async () => (await import('./resume.js')).resume,
  },
  { name: 'run', summary: 'create and start a container', load: async () => (await import('./run.js')).run },
  {
    name: 'spec',
    summary: 'write a config.json to begin with',
    load: async () => (await import('./spec.js')).spec,
  },
  {
    name: 'start',
    summary: 'start the program of a created container',
    load: async () => (await import('./start.js')).start,
  },
  {
    name: 'state',
    summary: 'print the state of a container',
    load: async () => (await import('./state.js')).state,
  },
  {
    name: 'update',
    summary: 'change the limits of a container',
    load: async () => (await import('./update.js')).update,
  },
]
