/**
 * The virtual machines that tests can run in: which kernel, what its first program is, and which tests are for it.
 *
 * @typedef {object} Machine
 * @property {string} title - What it is, for people.
 * @property {string} suite - The suite of Debian whose kernel it boots.
 * @property {'cloud-amd64' | 'amd64'} flavour - The kernel for virtual machines, or the one with drivers for everything.
 * @property {'plain' | 'systemd'} init - What starts the tests: nothing but the tests, or systemd with D-Bus.
 * @property {RegExp} tests - Names of its test files.
 */

/** @type {Record<string, Machine>} */
export const machines = {
  cgroup2: {
    title: 'pure cgroup v2',
    suite: 'trixie',
    flavour: 'cloud-amd64',
    init: 'plain',
    tests: /(?<!\.systemd|\.rdma|\.old)\.vm\.test\.ts$/,
  },
  systemd: {
    title: 'systemd on cgroup v2',
    suite: 'trixie',
    flavour: 'cloud-amd64',
    init: 'systemd',
    tests: /\.systemd\.vm\.test\.ts$/,
  },
  rdma: {
    title: 'all drivers, RDMA by software among them',
    suite: 'trixie',
    flavour: 'amd64',
    init: 'plain',
    tests: /\.rdma\.vm\.test\.ts$/,
  },
  old: {
    title: 'an old kernel, pure cgroup v2',
    suite: 'bullseye',
    flavour: 'cloud-amd64',
    init: 'plain',
    tests: /\.old\.vm\.test\.ts$/,
  },
}
