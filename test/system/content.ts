import { pushCosign, pushImage, pushIndex, pushNestedIndex, pushReferrer } from '../support/images.ts';

/** One of each format that the main job replicates, in two repositories that share a layer. @returns how many tags were pushed */
export async function fillPrimary(url: string): Promise<void> {
  const shared = { seed: 'shared base', size: 400_000 };
  const image = await pushImage(url, 'team/app', 'v1', { layers: [shared, 1_000] });
  await pushImage(url, 'team/app', 'docker', { mediaType: 'docker', layers: [shared] });
  const index = await pushIndex(url, 'team/app', 'multi', { platforms: 3 });
  await pushIndex(url, 'team/app', 'multi-docker', { mediaType: 'docker' });
  await pushNestedIndex(url, 'team/app', 'nested');
  await pushReferrer(url, 'team/app', image);
  await pushReferrer(url, 'team/app', index, { artifactType: 'application/vnd.example.signature' });
  await pushCosign(url, 'team/app', image);
  await pushImage(url, 'team/other', 'latest', { layers: [shared], label: 'other' });
  await pushImage(url, 'scratch/tmp', 'latest');
}
