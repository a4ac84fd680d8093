import { findKeeper } from '../aws/find-keeper.ts';
import type { ExitCode } from '../command-error.ts';
import { interruption } from '../interruption.ts';
import type { RefreshOptions } from '../options.ts';
import { showRefresh } from '../status/show-refresh.ts';
import { terminal } from '../terminal.ts';

export async function refresh(options: RefreshOptions): Promise<ExitCode> {
  const keeper = await terminal.progress('Looking for the stack', findKeeper(options, options));
  interruption.wouldMean("If the function was invoked already, it goes on by itself: look with 'status'.");
  return await showRefresh(keeper, options.force ? { action: 'refresh', force: true } : { action: 'refresh' }, options);
}
