@echo off
rem Runs the program: remoe.jar beside this script, or where `mvnw.cmd -Pdist package` leaves it.
rem JAVA_HOME says which Java, JAVA_OPTS holds options for it.
setlocal

rem The cores and the memory are PyTorch's, so Java collects garbage on one thread and from few pages.
rem Only if nothing else is asked for: two collectors at once are an error.
if not defined JAVA_OPTS set "JAVA_OPTS=-XX:+UseSerialGC -Xmn32m"

set "jar=%~dp0remoe.jar"
if not exist "%jar%" set "jar=%~dp0..\target\dist\remoe.jar"
if not exist "%jar%" goto :noJar

set "java=java"
if defined JAVA_HOME set "java=%JAVA_HOME%\bin\java"
"%java%" -version > nul 2>&1
if errorlevel 1 goto :noJava
set "version=0"
for /f "tokens=3" %%v in ('call "%java%" -version 2^>^&1 ^| findstr /c:" version "') do set "version=%%~v"
for /f "delims=.-+" %%m in ("%version%") do set "major=%%m"
if %major% lss 17 goto :oldJava

"%java%" %JAVA_OPTS% -jar "%jar%" %*
exit /b %errorlevel%

rem Not in blocks: a bracket in a path would end them.
:noJar
echo remoe: there is no remoe.jar in "%~dp0". Put it there, or build it: mvnw.cmd -Pdist -DskipTests package 1>&2
exit /b 1

:noJava
echo remoe: there is no "%java%". Install Java 17 or newer, or let JAVA_HOME point to it. 1>&2
exit /b 1

:oldJava
echo remoe: Java 17 or newer is needed, and "%java%" is version %version%. Install a newer one, or let JAVA_HOME point to it. 1>&2
exit /b 1
