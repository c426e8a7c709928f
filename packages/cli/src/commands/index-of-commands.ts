import type { CommandEntry } from '../cli.js'

/** All commands, in the order that help shows them. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'Create and run a new container from an image',
    common: true,
    load: () => import('./run.js'),
  },
  {
    name: 'exec',
    summary: 'Execute a command in a running container',
    common: true,
    load: () => import('./exec.js'),
  },
  { name: 'ps', summary: 'List containers', common: true, load: () => import('./ps.js') },
  {
    name: 'pull',
    summary: 'Download an image from a registry',
    common: true,
    load: () => import('./pull.js'),
  },
  { name: 'push', summary: 'Upload an image to a registry', common: true, load: () => import('./push.js') },
  { name: 'images', summary: 'List images', common: true, load: () => import('./images.js') },
  {
    name: 'login',
    summary: 'Authenticate to a registry',
    common: true,
    load: () => import('./login.js'),
  },
  {
    name: 'logout',
    summary: 'Log out from a registry',
    common: true,
    load: () => import('./logout.js'),
  },
  { name: 'version', summary: 'Show version information', common: true, load: () => import('./version.js') },
  { name: 'info', summary: 'Display system-wide information', common: true, load: () => import('./info.js') },
  {
    name: 'registry',
    summary: 'Serve images to other machines and programs',
    load: () => import('./registry.js'),
  },
  {
    name: 'daemon',
    summary: 'Serve the Docker Engine API to clients of Docker',
    load: () => import('./daemon.js'),
  },
  { name: 'system', summary: 'Manage this runtime as a whole', load: () => import('./system.js') },
  { name: 'check', summary: 'Check what containers need of the kernel', load: () => import('./check.js') },
  {
    name: 'commit',
    summary: "Create a new image from a container's changes",
    load: () => import('./commit.js'),
  },
  {
    name: 'cp',
    summary: 'Copy files/folders between a container and the local filesystem',
    load: () => import('./cp.js'),
  },
  {
    name: 'diff',
    summary: "Inspect changes to files or directories on a container's filesystem",
    load: () => import('./diff.js'),
  },
  {
    name: 'export',
    summary: "Export a container's filesystem as a tar archive",
    load: () => import('./export.js'),
  },
  {
    name: 'import',
    summary: 'Import the contents from a tarball to create a filesystem image',
    load: () => import('./import.js'),
  },
  {
    name: 'inspect',
    summary: 'Return low-level information on containers and images',
    load: () => import('./inspect.js'),
  },
  { name: 'kill', summary: 'Kill one or more running containers', load: () => import('./kill.js') },
  {
    name: 'load',
    summary: 'Load images from a tar archive or STDIN',
    load: () => import('./load.js'),
  },
  { name: 'logs', summary: 'Fetch the logs of a container', load: () => import('./logs.js') },
  {
    name: 'pause',
    summary: 'Pause all processes within one or more containers',
    load: () => import('./pause.js'),
  },
  { name: 'network', summary: 'Manage networks', load: () => import('./network.js') },
  { name: 'rm', summary: 'Remove one or more containers', load: () => import('./rm.js') },
  { name: 'rmi', summary: 'Remove one or more images', load: () => import('./rmi.js') },
  {
    name: 'save',
    summary: 'Save images to a tar archive (streamed to STDOUT by default)',
    load: () => import('./save.js'),
  },
  {
    name: 'stats',
    summary: 'Display resource usage statistics of containers, once',
    load: () => import('./stats.js'),
  },
  { name: 'stop', summary: 'Stop one or more running containers', load: () => import('./stop.js') },
  { name: 'tag', summary: 'Create a tag that refers to an image', load: () => import('./tag.js') },
  {
    name: 'unpause',
    summary: 'Unpause all processes within one or more containers',
    load: () => import('./unpause.js'),
  },
  { name: 'volume', summary: 'Manage volumes', load: () => import('./volume.js') },
]
