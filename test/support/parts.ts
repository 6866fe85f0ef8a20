export { binariesFolder, findBinary, type Binary } from '../../src/processes/embedded/binaries.ts';
