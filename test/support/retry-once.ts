import { jest } from '@jest/globals';

/*
 * Real servers on a shared machine: one test of a thousand now and then meets a moment in which everything stood still. It is run once more, and what
 * it said the first time is printed; what fails twice has failed. At once: the tests of some files are steps of one story.
 */
jest.retryTimes(1, { logErrorsBeforeRetry: true, retryImmediately: true });
